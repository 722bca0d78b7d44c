import asyncio

from aiohttp import web


async def main():
    runner = web.AppRunner(web.Application())
    await runner.setup()
    site = web.TCPSite(runner, "0.0.0.0", 8403)
    await site.start()
    await web.TCPSite(runner, port=8404, backlog=43).start()
    await web.UnixSite(runner, "/run/site.sock", backlog=44).start()
    await asyncio.sleep(3600)


asyncio.run(main())
