from aiohttp import web

web.run_app(web.Application(), path="/run/aiohttp.sock", port=8402, backlog=42)
