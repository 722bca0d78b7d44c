package main

import (
	"flag"
	"fmt"
	"net/http"
)

var admin = flag.String("admin", "127.0.0.1:9090", "the address of the metrics")

type options struct {
	listen string
	port   int
}

func main() {
	address := flag.String("addr", ":8080", "the address to listen on")
	port := flag.Int("port", 8081, "a port")
	var plain string
	flag.StringVar(&plain, "plain", ":8082", "another address")
	var given options
	flag.StringVar(&given.listen, "listen", ":8083", "one more")
	flag.IntVar(&given.port, "other-port", 8084, "and another port")
	flag.Parse()
	go http.ListenAndServe(*admin, nil)
	go http.ListenAndServe(*address, nil)
	go http.ListenAndServe(fmt.Sprintf(":%d", *port), nil)
	go http.ListenAndServe(plain, nil)
	go http.ListenAndServe(given.listen, nil)
	http.ListenAndServe(fmt.Sprintf("%s:%d", "", given.port), nil)
}
