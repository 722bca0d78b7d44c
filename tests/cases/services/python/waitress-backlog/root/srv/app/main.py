import waitress


def app(environ, start_response):
    start_response("200 OK", [])
    return [b""]


waitress.serve(app, host="localhost", port="8300", backlog=88)
