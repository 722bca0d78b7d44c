port 3015
activate_control_app 'unix:///run/pumactl.sock?backlog=5', no_token: true
