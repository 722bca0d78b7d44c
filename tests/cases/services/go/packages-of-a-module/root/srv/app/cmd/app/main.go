package main

import (
	"net/http"

	"example.com/shop/internal/config"
	"example.com/shop/internal/server"
	// A package goes by its own name.
	admin "example.com/shop/internal/metrics"
)

func main() {
	go http.ListenAndServe(config.Address, nil)
	go http.ListenAndServe(config.Load().Listen, nil)
	go admin.Serve()
	server.New().Run()
}
