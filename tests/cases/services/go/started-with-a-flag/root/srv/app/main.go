package main

import (
	"flag"
	"net/http"
)

var addr = flag.String("addr", "127.0.0.1:8000", "where to listen")

func main() {
	flag.Parse()
	http.ListenAndServe(*addr, nil)
}
