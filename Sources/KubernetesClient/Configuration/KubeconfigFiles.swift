internal import JSON

/// Kubeconfigs as if they were one. Of what several have, the first one's counts, as it is for kubectl.
/// https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/#merging-kubeconfig-files
struct KubeconfigFiles {
    private let files: [KubeconfigField]

    init(_ files: [KubeconfigField]) {
        self.files = files
    }

    func currentContext() throws -> String {
        for file in files {
            if let name = try file.string("current-context") { return name }
        }
        throw all["current-context"].error("is missing; write the name of one of contexts, or choose one")
    }

    /// An entry of one of the lists of named things.
    ///
    /// - Parameter reference: who asks for it by that name.
    func named(
        _ name: String, in list: String, holding key: String, for reference: KubeconfigField? = nil
    ) throws -> KubeconfigField {
        var names: [String] = []
        for file in files {
            for entry in try file.elements(list) {
                guard let entryName = entry.value?["name"]?.string else { continue }
                if entryName == name, let content = entry.value?[key] {
                    return KubeconfigField(value: content, name: "\(list)[\"\(name)\"].\(key)", file: file.file)
                }
                names.append("\"\(entryName)\"")
            }
        }
        let known = names.isEmpty ? "which is empty" : "which has \(names.joined(separator: ", "))"
        throw (reference ?? all[list]).error("\"\(name)\" is not in \(list), \(known)")
    }

    /// For what is in none of them.
    private var all: KubeconfigField {
        KubeconfigField(value: nil, file: files.map(\.file).joined(separator: ":"))
    }
}
