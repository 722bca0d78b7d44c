resource "x" "y" {
  user_data = "sysctl -w net.core.somaxconn=512"
}
