extension AnnotationKey {
    private static let domains: [String] = prefixes.map { String($0.dropLast()) }

    /// Whether a name's domain is one whose keys Lanyard knows, or may be meant to be.
    static func isNearDomain(of name: String) -> Bool { domain(meantBy: name) != nil }

    /// The key that was likely meant by a name that is not known.
    static func meant(by name: String, among keys: [AnnotationKey]) -> String? {
        guard let domain = domain(meantBy: name) else { return nil }
        let candidates = keys.filter { !$0.isWrittenByLanyard && $0.name.hasPrefix(domain + "/") }.map(\.name)
        if name.hasPrefix(domain + "/") { return Spelling.nearest(to: name, among: candidates) }
        // Another domain may have keys of such names itself, so that the name alone has to tell.
        let suffix = "/" + name.suffix(afterFirst: "/")
        return candidates.first { $0.hasSuffix(suffix) && $0.utf8.count == domain.utf8.count + suffix.utf8.count }
    }

    private static func domain(meantBy name: String) -> String? {
        guard let slash = name.firstIndex(of: "/") else { return nil }
        let written = String(name[..<slash])
        if domains.contains(written) { return written }
        // A key like cloud.example.com/audience is somebody else's: only names that are ours alone are recognized by a part.
        let first = written.prefix { $0 != "." }
        let own = ["lanyard", "eks", "azure"].first { $0 == first }
        return own.flatMap { own in domains.first { $0.hasPrefix(own + ".") } }
            ?? Spelling.nearest(to: written, among: domains)
    }
}

extension String {
    fileprivate func suffix(afterFirst separator: Character) -> Substring {
        firstIndex(of: separator).map { self[index(after: $0)...] } ?? self[...]
    }
}
