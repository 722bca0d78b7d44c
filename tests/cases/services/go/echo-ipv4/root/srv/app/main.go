package main

import "github.com/labstack/echo"

func main() {
	e := echo.New()
	e.ListenerNetwork = "tcp4"
	e.Logger.Fatal(e.Start(":8080"))
}
