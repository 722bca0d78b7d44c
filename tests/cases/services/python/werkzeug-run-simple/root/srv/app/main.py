from werkzeug.serving import run_simple


def app(environ, start_response):
    start_response("200 OK", [])
    return [b""]


run_simple("localhost", 4000, app)
