listen '[::]:8087'
listen '[::]:8088', ipv6only: true, backlog: 88
listen '[::1]:8089'
