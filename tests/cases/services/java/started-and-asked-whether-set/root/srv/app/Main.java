import java.net.InetAddress;
import java.net.ServerSocket;

public class Main {
    public static void main(String[] args) throws Exception {
        int port = 8000;
        if (System.getenv("PORT") != null) {
            port = Integer.parseInt(System.getenv("PORT"));
        }
        ServerSocket socket = new ServerSocket(port, 20, InetAddress.getByName("127.0.0.1"));
        socket.accept();
    }
}
