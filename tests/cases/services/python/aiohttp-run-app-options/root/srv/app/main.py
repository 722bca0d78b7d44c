from aiohttp import web


def init():
    app = web.Application()
    return app


web.run_app(init(), host="localhost", port=8401, backlog=1024)
