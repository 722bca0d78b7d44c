import eventlet
from eventlet import wsgi


def app(environ, start_response):
    start_response("200 OK", [])
    return [b""]


other = eventlet.listen(("127.0.0.1", 8601), backlog=500)
wsgi.server(eventlet.listen(("", 8600)), app)
