/// The role that the first one assumes, by the configuration file that the pod gets and the SDKs follow.
///
/// https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html
struct AWSSecondRole: Hashable, Sendable {
    let role: String
    let externalID: String?
    let sessionName: String?
    let durationSeconds: String?

    /// - Returns: `nil` for a file that names no role, and no first role by a profile.
    static func read(_ file: String) -> (firstRole: String, second: AWSSecondRole)? {
        var sections: [String: [String: String]] = [:]
        var section = ""
        for line in file.split(separator: "\n") {
            if line.hasPrefix("["), line.hasSuffix("]") {
                section = String(line.dropFirst().dropLast())
            } else if let equals = line.firstIndex(of: "=") {
                let name = String(line[..<equals]).trimmingWhitespace
                sections[section, default: [:]][name] = String(line[line.index(after: equals)...]).trimmingWhitespace
            }
        }
        guard let settings = sections["default"], let role = settings["role_arn"],
            let source = settings["source_profile"],
            let firstRole = sections["profile \(source)"]?["role_arn"]
        else { return nil }
        let second = AWSSecondRole(
            role: role, externalID: settings["external_id"], sessionName: settings["role_session_name"],
            durationSeconds: settings["duration_seconds"])
        return (firstRole, second)
    }

    /// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
    var form: [(name: String, value: String)] {
        [
            ("Action", "AssumeRole"), ("Version", "2011-06-15"), ("RoleArn", role),
            ("RoleSessionName", sessionName ?? "lanyard-verify"), ("DurationSeconds", durationSeconds ?? "900"),
        ] + (externalID.map { [("ExternalId", $0)] } ?? [])
    }
}
