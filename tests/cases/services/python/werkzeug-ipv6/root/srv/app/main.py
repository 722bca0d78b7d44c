from werkzeug.serving import run_simple


def app(environ, start_response):
    start_response("200 OK", [])
    return [b""]


run_simple("::", 4001, app)
