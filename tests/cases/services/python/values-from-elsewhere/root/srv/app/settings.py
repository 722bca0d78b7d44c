QUEUE = 64


class Config:
    HOST = "127.0.0.1"
