from twisted.internet import endpoints, protocol, reactor

factory = protocol.Factory.forProtocol(protocol.Protocol)
endpoints.TCP4ServerEndpoint(reactor, 8810).listen(factory)
endpoints.TCP6ServerEndpoint(reactor, 8811, backlog=61).listen(factory)
endpoints.UNIXServerEndpoint(reactor, "/run/endpoint.sock", backlog=62).listen(factory)
reactor.run()
