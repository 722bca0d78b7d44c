from twisted.internet import protocol, reactor

factory = protocol.Factory.forProtocol(protocol.Protocol)
reactor.listenTCP(8800, factory)
reactor.listenTCP(8801, factory, backlog=300, interface="127.0.0.1")
reactor.listenTCP(8802, factory, 301, "::1")
reactor.listenTCP(8803, factory, interface="::")
reactor.listenUNIX("/run/twisted.sock", factory)
reactor.run()
