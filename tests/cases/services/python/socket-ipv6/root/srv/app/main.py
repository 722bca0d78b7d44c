import socket

dual = socket.socket(socket.AF_INET6)
dual.bind(("::", 8006))
dual.listen(6)
only = socket.socket(socket.AF_INET6)
only.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
only.bind(("::", 8007))
only.listen(7)
local = socket.socket(socket.AF_INET6)
local.bind(("::1", 8008))
local.listen(8)
local.accept()
