import JSON
import Testing
import WorkloadIdentity

@Suite("Ways that cannot work") struct TelltaleTests {
    private func hints(_ annotations: [String: String] = [:], defining variables: Set<String>) -> [Problem] {
        Fixture.plan(annotations, on: .oke).hints(
            forContainer: ("app", JSONPointer("spec", "containers", "0")), configuration: Configuration()
        ) { variables.contains($0) }
    }

    @Test("a container that expects a resource principal is told that pods have none")
    func tellsOfResourcePrincipal() {
        let found = hints(defining: ["OCI_RESOURCE_PRINCIPAL_VERSION", "OCI_RESOURCE_PRINCIPAL_REGION"])
        #expect(
            found == [
                .warning(
                    .unsupportedCredential,
                    """
                    oracle-genai: container app: OCI_RESOURCE_PRINCIPAL_VERSION is set, but pods have no resource principal; on \
                    OKE annotate the ServiceAccount with lanyard.dev/providers: oracle-genai and lanyard.dev/oci-region, and use \
                    the OKE workload identity signer of the OCI SDK
                    """,
                    field: "OCI_RESOURCE_PRINCIPAL_VERSION",
                    in: .container(JSONPointer("spec", "containers", "0")), provider: "oracle-genai")
            ])
    }

    @Test("not where something hands it one, nor where Lanyard does, nor where it is to be left alone")
    func isSilentElsewhere() {
        #expect(hints(defining: ["OCI_RESOURCE_PRINCIPAL_VERSION", "OCI_RESOURCE_PRINCIPAL_RPST"]).isEmpty)
        #expect(hints(Fixture.oracle, defining: ["OCI_RESOURCE_PRINCIPAL_VERSION"]).isEmpty)
        #expect(hints(["lanyard.dev/inject": "false"], defining: ["OCI_RESOURCE_PRINCIPAL_VERSION"]).isEmpty)
        #expect(hints(defining: ["OCI_CLI_PROFILE"]).isEmpty)
    }
}
