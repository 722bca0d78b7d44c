import asyncio
import socket


async def handle(reader, writer):
    writer.close()


async def main():
    sock = socket.socket()
    sock.bind(("127.0.0.1", 8895))
    sock.listen(600)
    await asyncio.start_server(handle, sock=sock)
    await asyncio.sleep(3600)


asyncio.run(main())
