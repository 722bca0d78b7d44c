import java.net.InetAddress;
import java.net.ServerSocket;

public class Main {
    public static void main(String[] args) throws Exception {
        String port = System.getenv("PORT");
        int number = port != null ? Integer.parseInt(port) : 8000;
        ServerSocket socket = new ServerSocket(number, 20, InetAddress.getByName("127.0.0.1"));
        socket.accept();
    }
}
