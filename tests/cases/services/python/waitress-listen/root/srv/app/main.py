import waitress


def app(environ, start_response):
    start_response("200 OK", [])
    return [b""]


waitress.serve(app, listen="127.0.0.1:8301 [::1]:8302 *:8303", backlog=89)
