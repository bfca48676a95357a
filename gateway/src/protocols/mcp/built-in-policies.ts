/** The policies that are in force for targets of MCP unless the operator's own take their place. */
export const builtInPolicies = `@id("tool-changed")
@reason("The definition of this tool changed since it was pinned. The operator sees it with countersign target tools, and may accept it.")
forbid (principal, action == Action::"mcp.call_tool", resource)
when { principal.kind == "agent" && context.toolChanged };
`;
