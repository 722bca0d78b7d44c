package main

import (
	"net/http"

	"github.com/labstack/echo"
)

type api struct {
	*echo.Echo
}

func main() {
	e := echo.New()
	e.HideBanner = true
	go e.StartServer(&http.Server{Addr: "127.0.0.1:8081"})

	a := api{echo.New()}
	go a.Start(":8082")

	e2 := echo.New()
	e2.Logger.Fatal(e2.Start(":8080"))
}
