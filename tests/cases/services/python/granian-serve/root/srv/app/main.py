from granian import Granian
from granian.constants import Interfaces


async def app(scope, receive, send):
    pass


if __name__ == "__main__":
    Granian("main:app", address="0.0.0.0", port=8920, interface=Interfaces.ASGI, workers=2, backlog=777).serve()
