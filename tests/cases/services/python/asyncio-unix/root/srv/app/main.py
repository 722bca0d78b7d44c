import asyncio


async def handle(reader, writer):
    writer.close()


async def main():
    loop = asyncio.get_event_loop()
    await asyncio.start_unix_server(handle, path="/run/one.sock", backlog=40)
    await loop.create_unix_server(asyncio.Protocol, "/run/two.sock")
    await asyncio.sleep(3600)


asyncio.run(main())
