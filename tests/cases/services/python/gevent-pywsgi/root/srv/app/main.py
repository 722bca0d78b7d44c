from gevent import monkey

monkey.patch_all()
from gevent.pywsgi import WSGIServer


def app(environ, start_response):
    start_response("200 OK", [])
    return [b""]


http = WSGIServer(("127.0.0.1", 8500), app)
http.serve_forever()
