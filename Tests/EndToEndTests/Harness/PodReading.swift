import Foundation
import JSON

extension JSONValue {
    /// A part of an object, by its path.
    func at(_ path: String...) -> JSONValue? {
        var place: JSONValue? = self
        for step in path {
            place =
                Int(step).flatMap { index in place?.array.flatMap { $0.indices.contains(index) ? $0[index] : nil } }
                ?? place?[step]
        }
        return place
    }

    /// The variables of a pod's first container that have a literal value.
    var variables: [String: String] {
        var variables: [String: String] = [:]
        for variable in at("spec", "containers", "0", "env")?.array ?? [] {
            if let name = variable["name"]?.string { variables[name] = variable["value"]?.string }
        }
        return variables
    }

    var annotations: [String: String] {
        var annotations: [String: String] = [:]
        for (key, value) in at("metadata", "annotations")?.object ?? [:] { annotations[key] = value.string }
        return annotations
    }

    func volume(_ name: String) -> JSONValue? {
        at("spec", "volumes")?.array?.first { $0["name"]?.string == name }
    }

    /// Where a pod's first container sees a volume.
    func mountPath(of volume: String) -> String? {
        at("spec", "containers", "0", "volumeMounts")?.array?.first { $0["name"]?.string == volume }?["mountPath"]?
            .string
    }

    func condition(_ type: String) -> JSONValue? {
        at("status", "conditions")?.array?.first { $0["type"]?.string == type }
    }
}

extension ControlPlane {
    /// The pods that a workload's controller has made, once there are any.
    func pods(of application: String, in namespace: String, count: Int = 1) async throws -> [JSONValue] {
        try await eventually("\(count) pod(s) of \(application)") {
            let pods = try await get("pods", "-n", namespace, "-l", "app=\(application)").at("items")?.array ?? []
            let present = pods.filter { $0.at("metadata", "deletionTimestamp") == nil }
            guard present.count == count else {
                throw CommandFailure(description: "there are \(present.count)")
            }
            return present
        }
    }

    /// Waits until a condition has a status and a reason, and returns it.
    func condition(
        _ type: String, of object: String, in namespace: String, is status: String, reason: String? = nil
    ) async throws -> JSONValue {
        try await eventually("\(object) has \(type)=\(status) \(reason ?? "")") {
            let found = try await get(object, "-n", namespace).condition(type)
            guard let found, found["status"]?.string == status, reason == nil || found["reason"]?.string == reason
            else {
                throw CommandFailure(description: "it is \(found.map { "\($0)" } ?? "absent")")
            }
            return found
        }
    }
}
