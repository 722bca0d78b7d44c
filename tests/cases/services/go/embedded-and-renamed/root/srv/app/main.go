package main

import "net/http"

type Server = http.Server

type application struct {
	*http.Server
	name string
}

func main() {
	renamed := &Server{Addr: ":8080"}
	go renamed.ListenAndServe()
	app := application{Server: &http.Server{Addr: ":8081"}, name: "app"}
	app.ListenAndServe()
}
