import Foundation
import JSON

/// What `hack/bench` needs beside `lanyard` itself. It is no product of the package.
///
/// ```
/// Benchmark reviews FOLDER                          write the reviews to send, and the objects to create before
/// Benchmark objects FOLDER FIRST END                write the objects of the namespaces of a large cluster before END
/// Benchmark floor PORT CERTIFICATE KEY ANSWER       answer every request with what the file ANSWER holds
/// Benchmark stages                                  print what each stage of a review takes, as lines of results
/// Benchmark stage read|decide|answer|all NUMBER     put so many reviews through one stage, for a profiler
/// Benchmark report RESULTS table|markdown|svg       show what was measured
/// ```
@main
enum Benchmark {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch (arguments.first, arguments.count) {
        case ("reviews", 2):
            try writeReviews(to: URL(fileURLWithPath: arguments[1]))
        case ("objects", 4):
            let first = Int(arguments[2]) ?? 0
            try writeObjects(first..<max(first, Int(arguments[3]) ?? 0), to: URL(fileURLWithPath: arguments[1]))
        case ("floor", 5):
            try await ConstantAnswer(
                port: Int(arguments[1]) ?? 0, certificate: arguments[2], key: arguments[3],
                answer: Data(contentsOf: URL(fileURLWithPath: arguments[4]))
            ).run()
        case ("stages", 1):
            let stages = try await ReviewStages(of: 15_000, for: .one)
            for stage in ReviewStages.Stage.allCases {
                let cost = try await stages.cost(of: stage)
                let figures = [cost.nanoseconds, cost.allocations, cost.allocatedBytes]
                let cells = figures.map { $0.map { "\(Int($0.rounded()))" } ?? "" }
                print((["stage", stage.rawValue] + cells).joined(separator: "\t"))
            }
        case ("stage", 3):
            try await ReviewStages(of: 15_000, for: .one).run(
                ReviewStages.Stage(rawValue: arguments[1]) ?? .all, Int(arguments[2]) ?? 0)
        case ("report", 3):
            let report = try Report(results: String(contentsOfFile: arguments[1], encoding: .utf8))
            print(try report.text(as: arguments[2]))
        default:
            FileHandle.standardError.write(Data("usage: see \(#fileID)\n".utf8))
            exit(2)
        }
    }

    /// `cluster.json`, and for each demand and size a folder `DEMAND-SIZE` of reviews.
    private static func writeReviews(to folder: URL) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let cluster: JSONValue = ["apiVersion": "v1", "kind": "List", "items": .array(AdmissionReviews.cluster)]
        try write(cluster, to: folder.appendingPathComponent("cluster.json"))
        for demand in AdmissionReviews.Demand.allCases {
            for size in AdmissionReviews.sizes {
                let reviews = folder.appendingPathComponent("\(demand)-\(size)")
                try FileManager.default.createDirectory(at: reviews, withIntermediateDirectories: true)
                for (index, review) in AdmissionReviews.reviews(of: size, for: demand).enumerated() {
                    try write(review, to: reviews.appendingPathComponent("\(index).json"))
                }
            }
        }
    }

    /// `namespaces.json`, and a file for each namespace.
    private static func writeObjects(_ indices: Range<Int>, to folder: URL) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try write(ClusterObjects.namespaceList(indices), to: folder.appendingPathComponent("namespaces.json"))
        for index in indices {
            let file = folder.appendingPathComponent("\(ClusterObjects.namespace(index)).json")
            try write(ClusterObjects.objects(inNamespace: index), to: file)
        }
    }

    private static func write(_ value: JSONValue, to file: URL) throws {
        try Data(value.serialized()).write(to: file)
    }
}
