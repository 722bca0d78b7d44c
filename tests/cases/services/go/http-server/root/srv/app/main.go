package main

import (
	"net"
	web "net/http"
	"time"
)

type application struct {
	name   string
	server *web.Server
}

func newServer(handler web.Handler) *web.Server {
	return &web.Server{Addr: "127.0.0.1:8083", Handler: handler}
}

func main() {
	server := &web.Server{Addr: ":8080", ReadTimeout: time.Second}
	go server.ListenAndServe()

	later := web.Server{}
	later.Addr = ":8081"
	go later.ListenAndServe()

	app := application{name: "app"}
	app.server = &web.Server{
		Addr: ":8082",
	}
	go app.server.ListenAndServe()

	go newServer(nil).ListenAndServe()

	var declared web.Server
	declared.Addr = ":8084"
	go declared.ListenAndServe()

	go (&web.Server{Addr: "localhost:8085"}).ListenAndServe()

	unset := new(web.Server)
	go unset.ListenAndServe()

	// A server on a listener of its own opens nothing by its address.
	listener, _ := net.Listen("tcp", ":8086")
	served := &web.Server{Addr: ":8087"}
	served.Serve(listener)
}
