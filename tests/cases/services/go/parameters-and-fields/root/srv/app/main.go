package main

import (
	"fmt"
	"net"
	"net/http"
)

type config struct {
	host string
	port int
}

type server struct {
	config config
	addr   string
}

func newServer(c config) *server {
	return &server{config: c, addr: "127.0.0.1:8082"}
}

func (s *server) run() {
	go http.ListenAndServe(fmt.Sprintf("%s:%d", s.config.host, s.config.port), nil)
	listener, err := net.Listen("tcp", s.addr)
	if err != nil {
		panic(err)
	}
	http.Serve(listener, nil)
}

func serve(network, address string) {
	net.Listen(network, address)
}

func main() {
	serve("tcp", ":8080")
	newServer(config{host: "127.0.0.1", port: 8081}).run()
}
