from bottle import Bottle, route, run


@route("/")
def index():
    return ""


run(host="localhost", port=8910)
