internal import JSON
internal import KubernetesModel

/// A value in a kubeconfig, with the way to it, so that whatever is wrong with it can be said precisely.
struct KubeconfigField {
    /// `nil` if it is not there. `null` counts as not there, as it does for kubectl.
    var value: JSONValue?

    /// `clusters["dev"].cluster.server`; empty for the file itself.
    var name = ""
    var file: String

    subscript(key: String) -> KubeconfigField {
        let member = value?[key]
        return KubeconfigField(
            value: member?.isNull == true ? nil : member, name: name.isEmpty ? key : "\(name).\(key)", file: file)
    }

    func error(_ message: String) -> ConfigurationError {
        ConfigurationError(source: file, field: name, message: message)
    }

    /// The absolute path of a file that is named relative to the kubeconfig.
    func resolve(_ path: String) -> String {
        guard !path.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return path }
        return file[...slash] + path
    }

    // MARK: Members

    func string(_ key: String) throws -> String? {
        let field = self[key]
        guard let value = field.value else { return nil }
        guard let text = value.string else { throw field.error("expected a string, found \(value.kind)") }
        return text.isEmpty ? nil : text
    }

    func bool(_ key: String) throws -> Bool? {
        let field = self[key]
        guard let value = field.value else { return nil }
        guard let bool = value.bool else { throw field.error("expected true or false, found \(value.kind)") }
        return bool
    }

    func path(_ key: String) throws -> String? {
        try string(key).map(resolve)
    }

    func elements(_ key: String) throws -> [KubeconfigField] {
        let field = self[key]
        guard let value = field.value else { return [] }
        guard let elements = value.array else { throw field.error("expected a list, found \(value.kind)") }
        return elements.enumerated().map { index, element in
            KubeconfigField(value: element, name: "\(field.name)[\(index)]", file: file)
        }
    }

    /// What `<key>-data` holds as Base64, or else the file that `<key>` names.
    func data(_ key: String) throws -> [UInt8]? {
        if let text = try string("\(key)-data") {
            guard let bytes = Base64.decode(text) else { throw self["\(key)-data"].error("is not Base64") }
            return bytes
        }
        guard let path = try path(key) else { return nil }
        do {
            return try FileContents.read(path)
        } catch {
            throw self[key].error("\(error)")
        }
    }

    /// As ``data(_:)``, and it has to be certificates in PEM.
    func certificates(_ key: String) throws -> [UInt8]? {
        guard let bytes = try data(key) else { return nil }
        guard bytes.holdCertificates else { throw self[key].error("holds no certificate in PEM") }
        return bytes
    }
}

extension [UInt8] {
    fileprivate var holdCertificates: Bool {
        String(decoding: self, as: UTF8.self).contains("-----BEGIN CERTIFICATE-----")
    }
}
