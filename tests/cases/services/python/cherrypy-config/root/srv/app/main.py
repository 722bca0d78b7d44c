import cherrypy


class Root:
    @cherrypy.expose
    def index(self):
        return ""


cherrypy.config.update({
    "server.socket_host": "0.0.0.0",
    "server.socket_port": 8700,
    "server.socket_queue_size": 30,
})
cherrypy.quickstart(Root(), "/")
