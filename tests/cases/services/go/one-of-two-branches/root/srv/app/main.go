package main

import (
	"log"
	"net/http"
	"os"
)

func main() {
	server := &http.Server{Addr: ":8443"}
	var err error
	if certificate := os.Getenv("CERTIFICATE"); certificate != "" {
		err = server.ListenAndServeTLS(certificate, certificate)
	} else {
		err = server.ListenAndServe()
	}
	log.Fatal(err)
}
