import Foundation

struct Report {
    init(results: String) throws {}
    func text(as form: String) throws -> String { "" }
}
