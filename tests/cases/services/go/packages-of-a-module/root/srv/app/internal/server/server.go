package server

import (
	"net/http"

	"example.com/shop/internal/config"
)

type Server struct {
	http *http.Server
}

func New() *Server {
	return &Server{http: &http.Server{Addr: config.Host + ":8082"}}
}

func (s *Server) Run() error {
	return s.http.ListenAndServe()
}
