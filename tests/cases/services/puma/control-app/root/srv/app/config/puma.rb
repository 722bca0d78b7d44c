port 3014
activate_control_app 'tcp://127.0.0.1:9293', { no_token: true }
