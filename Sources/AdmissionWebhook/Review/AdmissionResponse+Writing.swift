import JSON

extension AdmissionResponse {
    /// The review that answers the request of this uid.
    func review(uid: String) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(512)
        output.append(contentsOf: envelopeStart)
        JSONValue.write(uid, to: &output)
        output.append(contentsOf: #","allowed":"#.utf8)
        output.append(contentsOf: (allowed ? "true" : "false").utf8)
        if let refusal {
            output.append(contentsOf: #","status":"#.utf8)
            refusal.json.write(to: &output)
        } else if let patch, !patch.isEmpty {
            output.append(contentsOf: #","patchType":"JSONPatch","patch":""#.utf8)
            var text: [UInt8] = []
            text.reserveCapacity(4096)
            patch.write(to: &text)
            text.writeBase64(to: &output)
            output.append(UInt8(ascii: "\""))
        }
        if !warnings.isEmpty {
            output.append(contentsOf: #","warnings":"#.utf8)
            JSONValue.array(AdmissionWarnings.fitting(warnings).map { .string($0) }).write(to: &output)
        }
        if !auditAnnotations.isEmpty {
            output.append(contentsOf: #","auditAnnotations":"#.utf8)
            JSONValue.object(JSONObject(auditAnnotations)).write(to: &output)
        }
        output.append(contentsOf: "}}".utf8)
        return output
    }
}

private let envelopeStart = Array(
    #"{"apiVersion":"\#(AdmissionReview.apiVersion)","kind":"\#(AdmissionReview.kind)","response":{"uid":"#.utf8)

extension AdmissionResponse.Refusal {
    /// `metav1.Status`
    fileprivate var json: JSONValue {
        [
            "status": "Failure",
            "message": .string(message),
            "reason": .string(reason),
            "code": .number(JSONNumber(code)),
        ]
    }
}

extension [UInt8] {
    /// Appends these bytes in the alphabet of RFC 4648 section 4, padded: how Go writes `[]byte` in JSON.
    func writeBase64(to output: inout [UInt8]) {
        var place = output.count
        output.append(contentsOf: repeatElement(UInt8(ascii: "="), count: (count + 2) / 3 * 4))
        let alphabet = base64Alphabet
        let bytes = span
        let digits = alphabet.span
        var text = output.mutableSpan
        for start in stride(from: 0, to: count, by: 3) {
            let left = Swift.min(3, count - start)
            var group = Int(bytes[start]) << 16
            if left > 1 { group |= Int(bytes[start + 1]) << 8 }
            if left > 2 { group |= Int(bytes[start + 2]) }
            text[place] = digits[group >> 18]
            text[place + 1] = digits[group >> 12 & 63]
            if left > 1 { text[place + 2] = digits[group >> 6 & 63] }
            if left > 2 { text[place + 3] = digits[group & 63] }
            place += 4
        }
    }
}

private let base64Alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
