import cherrypy


class Root:
    @cherrypy.expose
    def index(self):
        return ""


cherrypy.quickstart(Root())
