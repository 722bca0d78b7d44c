import asyncio


async def handle(reader, writer):
    writer.close()


async def main():
    server = await asyncio.start_server(handle, "127.0.0.1", 8888)
    other = await asyncio.start_server(handle, port=8889, backlog=500)
    async with server:
        await asyncio.gather(server.serve_forever(), other.serve_forever())


asyncio.run(main())
