import waitress


def app(environ, start_response):
    start_response("200 OK", [])
    return [b""]


waitress.serve(app, unix_socket="/run/waitress.sock")
