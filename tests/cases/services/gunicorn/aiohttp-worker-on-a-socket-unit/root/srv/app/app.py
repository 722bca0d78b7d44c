from aiohttp import web

aio = web.Application()
