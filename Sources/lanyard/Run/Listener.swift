internal import NIOCore
internal import ServiceLifecycle
internal import SystemPackage

/// A server whose failure to listen names the address, and the option that sets it.
struct Listener<Server: Service>: Service {
    let server: Server
    let address: SocketAddress
    let option: String

    init(_ server: Server, on address: SocketAddress, _ option: String) {
        self.server = server
        self.address = address
        self.option = option
    }

    func run() async throws {
        do {
            try await server.run()
        } catch let error as IOError {
            let reason = Errno(rawValue: error.errnoCode)
            throw StartFailure(description: "cannot listen on \(address): \(reason); choose another by \(option)")
        }
    }
}
