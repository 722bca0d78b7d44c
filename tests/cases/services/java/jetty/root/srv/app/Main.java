import java.net.InetSocketAddress;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

public class Main {
    public static void main(String[] args) throws Exception {
        Server server = new Server(8080);
        ServerConnector connector = new ServerConnector(server);
        connector.setPort(8081);
        connector.setHost("127.0.0.1");
        connector.setAcceptQueueSize(120);
        server.addConnector(connector);
        ServerConnector plain = new ServerConnector(server);
        plain.setPort(8082);
        server.addConnector(plain);
        server.start();
        Server other = new Server(new InetSocketAddress("localhost", 8083));
        other.start();
        Thread.currentThread().join();
    }
}
