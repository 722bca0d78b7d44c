import asyncio


async def main():
    loop = asyncio.get_running_loop()
    await loop.create_server(asyncio.Protocol, ["127.0.0.1", "::1"], 8890, backlog=90)
    await loop.create_server(asyncio.Protocol, "localhost", 8891, backlog=91)
    await loop.create_server(asyncio.Protocol, "", 8892, backlog=92)
    await loop.create_server(asyncio.Protocol, "::", 8893, backlog=93)
    await loop.create_server(asyncio.Protocol, "0.0.0.0", 8894)
    await asyncio.Event().wait()


asyncio.run(main())
