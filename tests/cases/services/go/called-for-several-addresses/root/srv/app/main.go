package main

import (
	"net"
	"net/http"
)

func serve(address string, handler http.Handler) {
	server := &http.Server{Addr: address, Handler: handler}
	go server.ListenAndServe()
}

func unix(name string) net.Listener {
	listener, err := net.Listen("unix", "/run/"+name+".sock")
	if err != nil {
		panic(err)
	}
	return listener
}

func main() {
	serve(":8080", nil)
	serve("127.0.0.1:9090", http.NewServeMux())
	go http.Serve(unix("public"), nil)
	http.Serve(unix("admin"), nil)
}
