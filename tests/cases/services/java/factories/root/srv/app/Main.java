import java.net.*;
import javax.net.ServerSocketFactory;
import javax.net.ssl.*;

public class Main {
    public static void main(String[] args) throws Exception {
        ServerSocketFactory plain = ServerSocketFactory.getDefault();
        ServerSocket one = plain.createServerSocket(8080);
        ServerSocket two = SSLServerSocketFactory.getDefault().createServerSocket(8443, 70);
        SSLServerSocketFactory factory = SSLContext.getDefault().getServerSocketFactory();
        SSLServerSocket three = (SSLServerSocket) factory.createServerSocket(8444, 71, InetAddress.getByName("127.0.0.1"));
        ServerSocket four = factory.createServerSocket();
        four.bind(new InetSocketAddress(8445), 72);
        Thread.currentThread().join();
    }
}
