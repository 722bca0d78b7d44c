package main

import (
	"flag"
	"net/http"
)

var (
	bind  = ":8080"
	admin string
)

func init() {
	flag.StringVar(&bind, "bind", bind, "where to listen")
	flag.StringVar(&admin, "admin", "127.0.0.1:8081", "where to say how it is")
}

func main() {
	flag.Parse()
	go http.ListenAndServe(admin, nil)
	http.ListenAndServe(bind, nil)
}
